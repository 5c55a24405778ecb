"""What a tutorial would write; the folder is a package only so that its function_app.py has a name of its own."""
