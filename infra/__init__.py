"""What is deployed besides the functions, and what builds their archives."""
