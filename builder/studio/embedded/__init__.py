"""The Label Studio that the builder runs itself: its process, its folder, its accounts, and who may do what on it."""

#: Where managers set who may open a project, on a server with roles.
MEMBERS = "api/builder/members"
