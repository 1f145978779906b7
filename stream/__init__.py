"""Which pixels, when, and where they go: sources, threads, drawing, sinks."""
