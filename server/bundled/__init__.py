"""What the package ships for the paper venue: recorded candles, their manifest, contract specifications."""
