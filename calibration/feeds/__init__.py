"""Readers of historical feeds: any file in, canonical tables and a quality count out."""
