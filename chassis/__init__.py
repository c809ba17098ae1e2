"""The microservice chassis: the event path, the database, the edges and the process every service stands on."""
