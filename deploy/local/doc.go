// Package local runs the engines that Usher needs on one machine, without Docker: a private Postgres and a private Redis
// as child processes, from the distribution's packages, and Kafka's protocol inside our own process (kfake), or instead of that a
// private Apache Kafka and a private Elasticsearch, whose jars Maven delivers.
//
// Each engine has one folder: its data, its log, its port and its pid live there and nowhere else.
//
//	DIR/postgres/{data,log,password,port,pid}   DIR/redis/{data,log,redis.conf,port,pid}   DIR/kafka/{data,port}
//	DIR/apache-kafka/{data,log,server.properties,port,pid,tmp}   DIR/elasticsearch/{data,log,config,port,pid,tmp,…}
//
// The jars are kept for all folders of a user, in the cache that his system names (JarCache). A start compares every one with the sum
// that our source names, and Java sees no other. What is missing or damaged is downloaded beside its place and moved there when it
// has been checked, so half a download is never used.
//
// What it promises:
//   - A second start on a folder finds the data of the first, and the same port unless somebody took it meanwhile.
//   - After a kill -9 of everything the next start recovers. An engine that outlived its parent is recognised by the
//     pid and start time written in its folder (never by its name), stopped, and started anew.
//   - Children end when we end, however we end: on Linux the kernel sends them their stop signal (Pdeathsig).
//   - Everything listens on 127.0.0.1 only. Run by root, the child processes run as an unprivileged user.
//   - Nothing that was running before is touched, the distribution's own Postgres and Redis services least of all.
//
// It is for development and tests: kfake is a stand-in for Kafka, whatever its speed.
package local
