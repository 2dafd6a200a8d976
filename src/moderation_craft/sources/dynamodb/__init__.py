"""The app's table in DynamoDB, or in anything that speaks its API."""
