"""An Apache Spark cluster in a Heroku Private Space, and the same space in a box on one Linux machine."""
