"""``python -m demos.sweep``."""

if __name__ == "__main__":
    # Each worker process imports this module again, and would import the plots with it.
    from demos.command import run
    from demos.sweep.command import main

    run(main)
