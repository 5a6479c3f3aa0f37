"""What is deployed: flows over the tasks, and the command line that starts them."""
