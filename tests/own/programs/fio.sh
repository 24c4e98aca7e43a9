# packages: fio
fio --name=files --directory=/tmp --size=4M --rw=randrw --bs=4k --numjobs=3 --thread --ioengine=psync
