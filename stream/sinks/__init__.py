"""Where results go: into recordings and pictures, onto the screen, to other programs."""
