"""The run store: typed rows in, Parquet tables out, written as the run goes."""
