"""The figures of a run as metrics: names and units by the conventions of OpenMetrics.

Units are base units: seconds, bytes, and shares of one. There are only gauges, counters and
summaries, because parsers of Prometheus' older text format know no others. So the file can
be given to node_exporter's textfile collector and to a Pushgateway too.
"""
