"""Telling people: who hears of an incident, in which words, when, and that it arrives."""
