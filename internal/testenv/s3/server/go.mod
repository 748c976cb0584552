module usher/internal/testenv/s3/server

go 1.26

tool github.com/versity/versitygw/cmd/versitygw
