"""The models: churn risk and spend by several candidates, and what they are grown from."""
