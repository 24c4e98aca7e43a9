# packages: nginx-light wrk
mkdir -p /tmp/web && echo hello >/tmp/web/index.html
echo 'daemon off; worker_processes 2; user root root; pid /tmp/pid; error_log stderr; events {}
http { access_log off; client_body_temp_path /tmp/a; proxy_temp_path /tmp/b; fastcgi_temp_path /tmp/c; uwsgi_temp_path /tmp/d; scgi_temp_path /tmp/e;
  server { listen 127.0.0.1:8080; root /tmp/web; } }' >/tmp/nginx.conf
nginx -e stderr -c /tmp/nginx.conf &
until busybox wget -q -O /dev/null http://127.0.0.1:8080/; do sleep 0.01; done
wrk --threads 2 --connections 8 --duration 1 --latency http://127.0.0.1:8080/
kill $!
wait
