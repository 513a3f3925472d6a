"""What Heroku runs to build an app: it knows versions and fetches them. Standard library, and tenacity to fetch."""
