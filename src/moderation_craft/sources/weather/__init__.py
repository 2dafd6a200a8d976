"""Weather and air quality from Open-Meteo."""
