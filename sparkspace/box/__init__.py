"""A Private Space in a box: the Procfile's dynos on one Linux machine, with Heroku's life cycle, names and API."""
