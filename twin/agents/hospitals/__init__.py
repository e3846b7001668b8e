"""Hospitals: whom they accept, their emergency rooms, which one a patient is taken to."""
