#!/usr/bin/env bash
# What the kcat of Debian (librdkafka 2.0.2) sees.
set -euo pipefail

brokers=$1
topic="kcat-$RANDOM$RANDOM$RANDOM"
check() {
    if [ "$2" != "$3" ]; then
        printf 'FAILED %s: %q, not %q\n' "$1" "$2" "$3"
        exit 1
    fi
    echo "ok $1"
}

"$PYTHON" - "$brokers" "$topic" <<'P'
import sys
from confluent_kafka.admin import AdminClient, NewTopic
client = AdminClient({"bootstrap.servers": sys.argv[1]})
for future in client.create_topics([NewTopic(sys.argv[2], 1, 1)]).values():
    future.result(30)
P
# Brokers hear of a new topic, and begin to lead it, a moment later.
for _ in $(seq 100); do
    kcat -b "$brokers" -Q -t "$topic:0:-1" >/dev/null 2>&1 && break
    sleep 0.1
done
kcat -b "$brokers" -L -t "$topic" | grep -q "topic \"$topic\" with 1 partitions" || { echo "FAILED metadata"; exit 1; }
printf 'k1:v1\nk2:\nk3:v3\n' | kcat -b "$brokers" -P -t "$topic" -K: -Z -H a=b -X enable.idempotence=true
got=$(kcat -b "$brokers" -C -t "$topic" -e -q -f '%o %k=%S %h\n')
check "keys, null values and headers" "$got" $'0 k1=2 a=b\n1 k2=-1 a=b\n2 k3=2 a=b'
for codec in gzip snappy lz4 zstd; do
    seq 1 500 | kcat -b "$brokers" -P -t "$topic" -z "$codec" -X linger.ms=50
done
got=$(kcat -b "$brokers" -C -t "$topic" -o 3 -e -q | sort -n | uniq -c | awk '{ s += $1 * $2 } END { print s }')
check "all four compressions" "$got" $((4 * 500 * 501 / 2))
check "the end" "$(kcat -b "$brokers" -Q -t "$topic:0:-1")" "$topic [0] offset 2003"
check "the beginning" "$(kcat -b "$brokers" -Q -t "$topic:0:-2")" "$topic [0] offset 0"
check "the last two" "$(kcat -b "$brokers" -C -t "$topic" -o -2 -e -q | tr '\n' ' ')" "499 500 "
got=$(timeout 60 kcat -b "$brokers" -G "g-$topic" -X auto.offset.reset=earliest -e -q "$topic" | wc -l)
check "a group" "$got" 2003
