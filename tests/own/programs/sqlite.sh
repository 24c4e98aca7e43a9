# packages: sqlite3
sqlite3 /tmp/numbers.db "CREATE TABLE t(a INTEGER, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO t SELECT random() % 1000, hex(randomblob(8)) FROM n;
CREATE INDEX found ON t(a); SELECT a, count(*), min(b) FROM t GROUP BY a ORDER BY 2 DESC, 1 LIMIT 20;"
