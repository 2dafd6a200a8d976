"""Weather, air quality and forecasts from Open-Meteo or OpenWeatherMap."""
