"""What the Snakefile needs: the stages that a configuration asks for, and the settings of jobs."""
