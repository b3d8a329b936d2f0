"""The Autobahn fuzzing suite against the socket layer and against the gateway as it is."""
