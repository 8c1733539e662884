"""Prints the seconds that DuckDB takes, on one thread, to make a typed table of a CSV file."""
import sys
import time

import duckdb

connection = duckdb.connect()
connection.execute("set threads = 1")
begin = time.perf_counter()
connection.execute("create table t as select * from read_csv(?, nullstr = 'NA')", [sys.argv[1]])
print(time.perf_counter() - begin)
