"""What deploying needs: of the machine and the project (needs), and of the account (account)."""
