"""What is deployed. Every module directly in here is a Lambda entry point."""
