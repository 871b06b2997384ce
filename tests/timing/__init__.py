"""Tests of the timing model."""
