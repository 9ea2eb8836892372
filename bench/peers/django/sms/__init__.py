"""The SMS stage as an app of a Django site, in the way of authentik."""
