"""The SMS stage as a Django app, structured as in authentik."""
