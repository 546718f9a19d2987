"""Tested code behind the book."""
