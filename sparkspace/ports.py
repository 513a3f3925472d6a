"""The ports that Spark's processes listen on in every dyno: fixed numbers, which others rely on."""

MASTER = 7077
MASTER_UI = 8080
WORKER_UI = 8081
DRIVER_UIS = range(4040, 4061)  # room for 21 drivers in one dyno
HISTORY_UI = 18080
NOTEBOOK = 8888  # Jupyter's own
ZEPPELIN = 8080  # its own; the same number as a master's page, which has another dyno
ZOOKEEPER = 2181
ZOOKEEPER_PEER, ZOOKEEPER_ELECTION = 2888, 3888  # among the ZooKeepers themselves
SHUFFLE_SERVICE = 7337  # spark.shuffle.service.port of Spark itself
CLASS_SERVER = 7090  # no pages: not in PAGES, so that the proxy shows it to nobody
TALLY = 7091  # beside each master: no pages either

# What has pages for people. Nothing else of a dyno is the proxy's business.
PAGES = frozenset({MASTER_UI, WORKER_UI, HISTORY_UI, NOTEBOOK, *DRIVER_UIS})
