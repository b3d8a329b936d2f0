"""Reading a deployment template into one Deployment."""
