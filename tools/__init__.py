"""What makes this project's own papers."""
