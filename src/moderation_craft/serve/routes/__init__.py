"""The API's endpoints, a module a topic."""
