"""Report the weather of Seattle, by month and by year, with DataFrames and SQL."""

import argparse
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

CSV = Path(__file__).resolve().parent / "data" / "seattle-weather.csv"
SLICES = 8  # more than one per executor of a small cluster, so that each gets work

# DECIMAL, because its sums are exact: those of DOUBLE change with the order in which tasks end.
SCHEMA = """
    date DATE, precipitation DECIMAL(5, 1), temp_max DECIMAL(4, 1), temp_min DECIMAL(4, 1),
    wind DECIMAL(4, 1), weather STRING
"""

MONTHS = """
    SELECT date_format(date, 'MM') AS month,
           round(avg(temp_min), 1) AS low_c,
           round(avg(temp_max), 1) AS high_c,
           round(sum(precipitation) / count(DISTINCT year), 1) AS rain_mm,
           CAST(round(100 * count_if(wet) / count(*)) AS INT) AS wet_days_pct
    FROM days GROUP BY month ORDER BY month
"""

# Dry days in a row share one value: their date less their rank among the dry days.
# Of equally hot days min(struct) picks the first, whatever order the rows come in.
YEARS = """
    WITH dry AS (
        SELECT year, date_sub(date, row_number() OVER (PARTITION BY year ORDER BY date)) AS spell
        FROM days WHERE NOT wet
    ), spells AS (
        SELECT year, count(*) AS length FROM dry GROUP BY year, spell
    ), longest AS (
        SELECT year, max(length) AS longest_dry_days FROM spells GROUP BY year
    )
    SELECT year, sum(precipitation) AS rain_mm, count_if(wet) AS wet_days, longest_dry_days,
           min(struct(-temp_max, date)).date AS hottest_day, max(temp_max) AS hottest_c
    FROM days JOIN longest USING (year) GROUP BY year, longest_dry_days ORDER BY year
"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("input", nargs="?", help="a Hadoop URI of a CSV file with the same columns")
    return parser.parse_args()


def read_days(spark: SparkSession, uri: str | None) -> DataFrame:
    # Only the driver needs the file: an executor may have the app at another path, or not at all.
    source = uri or spark.sparkContext.parallelize(CSV.read_text(encoding="utf-8").splitlines(), SLICES)
    # FAILFAST, because the default turns what it can't parse into NULL and reports on the rest.
    days = spark.read.csv(source, SCHEMA, header=True, dateFormat="yyyy/MM/dd", mode="FAILFAST")
    # Wet is what the rain gauge says: the label in the column "weather" often disagrees with it.
    return days.withColumns({"year": F.year("date"), "wet": F.col("precipitation") > 0})


def main() -> None:
    args = parse_args()
    spark = SparkSession.builder.appName("weather report").getOrCreate()
    read_days(spark, args.input).createOrReplaceTempView("days")
    for query in MONTHS, YEARS:
        spark.sql(query).show()
    spark.stop()


if __name__ == "__main__":
    main()
