"""Tables in, figures out. Nothing here touches a live run."""
