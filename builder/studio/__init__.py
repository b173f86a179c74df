"""Label Studio: projects and people, pushing chunks as tasks, pulling what annotators did, and the embedded server."""
