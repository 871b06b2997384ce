"""What every room uses: errors, files, progress. Imports nothing of the library."""
