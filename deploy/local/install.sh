#!/bin/sh
# Installs the programs that Usher needs on this machine and that are not there yet, from Debian's or Ubuntu's packages.
#
#   install.sh [--yes] [postgres] [redis] [gcc] [make] [chromium] [fonts] [java] [maven]      without names: postgres redis
#
# chromium is the browser that the browser tests drive; fonts are those with which its screenshots can be read in every language.
# java runs the real engines, Apache Kafka and Elasticsearch, and maven downloads them.
#
# It touches nothing that is there already. The packages' own services are neither started nor enabled, and no database
# cluster is made: Usher starts private servers under its data folder. As root it goes ahead; with sudo it asks first
# (--yes: does not ask); otherwise it says what to install and ends with status 1.
set -eu

yes=no
wanted=
for argument in "$@"; do
	case $argument in
	--yes) yes=yes ;;
	postgres | redis | gcc | make | chromium | fonts | java | maven) wanted="$wanted $argument" ;;
	*) echo "install.sh: unknown program $argument" >&2; exit 2 ;;
	esac
done

# is_there NAME: Debian keeps initdb out of the PATH.
is_there() {
	case $1 in
	postgres)
		command -v initdb >/dev/null && return
		for initdb in /usr/lib/postgresql/*/bin/initdb; do
			[ -x "$initdb" ] && return
		done
		return 1
		;;
	redis) command -v redis-server >/dev/null ;;
	# The race detector links with the C library.
	gcc) command -v gcc >/dev/null && [ -n "$(printf '#include <stdlib.h>\n' | gcc -E - 2>/dev/null)" ] ;;
	# Ubuntu's package may be a stub that only says where the snap is, so the program must say its version. USHER_CHROMIUM names another.
	chromium)
		for program in ${USHER_CHROMIUM:-chromium chromium-browser google-chrome}; do
			"$program" --version </dev/null 2>/dev/null | grep -qE '[0-9]+\.[0-9]+' && return
		done
		return 1
		;;
	fonts)
		command -v fc-list >/dev/null || return 1
		for language in ar he hi ja ko zh-cn; do
			[ -n "$(fc-list ":lang=$language" file)" ] || return 1
		done
		;;
	# Kafka needs Java 17.
	java) java -version 2>&1 </dev/null | grep -qE 'version "(1[7-9]|[2-9][0-9])[.\"-]' ;;
	maven) command -v mvn >/dev/null ;;
	*) command -v "$1" >/dev/null ;;
	esac
}

# on_ubuntu: there Chromium is a snap, and the package of that name only installs the snap.
on_ubuntu() { [ -r /etc/os-release ] && grep -q '^ID=ubuntu' /etc/os-release; }

no_chromium() {
	echo "install.sh: no Chromium here can run. Ubuntu has it as a snap, which needs snapd (a container has none) and keeps its files to itself." >&2
	echo "  Install a Chromium or Chrome that is no snap and name it:  USHER_CHROMIUM=/path/to/it make browser" >&2
	echo "  or leave the browser tests out:  USHER_BROWSER=skip make test" >&2
}

package_of() {
	case $1 in
	postgres) echo postgresql ;;
	redis) echo redis-server ;;
	gcc) echo gcc libc6-dev ;;
	chromium) if on_ubuntu; then echo chromium-browser; else echo chromium; fi ;;
	fonts) echo fontconfig fonts-noto-core fonts-noto-cjk ;;
	java) echo default-jre-headless ;;
	*) echo "$1" ;;
	esac
}

missing=
packages=
for name in ${wanted:-postgres redis}; do
	if ! is_there "$name"; then
		missing="$missing $name"
		packages="$packages $(package_of "$name")"
	fi
done
[ -n "$missing" ] || exit 0
case $missing in
*chromium*) if on_ubuntu && ! command -v snap >/dev/null; then no_chromium; exit 1; fi ;;
esac

if ! command -v apt-get >/dev/null; then
	echo "Usher needs$missing, and this system has no apt-get. Install them by its own means, so that these are found:" >&2
	echo "  postgres: initdb and postgres (PostgreSQL 14 or newer) in the PATH; redis: redis-server (7 or newer) in the PATH;" >&2
	echo "  chromium: chromium or google-chrome in the PATH, or its path in USHER_CHROMIUM; fonts: Noto, found by fc-list;" >&2
	echo "  java: java (17 or newer) in the PATH; maven: mvn in the PATH" >&2
	exit 1
fi

if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "Usher needs packages that are not installed. As root, run:  apt-get install$packages" >&2
		exit 1
	fi
	if [ $yes = no ]; then
		if [ ! -t 0 ]; then
			echo "Usher needs packages that are not installed. Run:  sudo apt-get install$packages" >&2
			exit 1
		fi
		printf 'Usher needs the packages%s. Install them with sudo? [y/N] ' "$packages"
		read -r answer || answer=no
		case $answer in
		[yY] | [yY][eE][sS]) ;;
		*) echo "Not installed. To do it yourself, run:  sudo apt-get install$packages" >&2; exit 1 ;;
		esac
	fi
	# shellcheck disable=SC2086 # one word a program
	exec sudo sh "$0" --yes $missing
fi

# Packages start their services when policy-rc.d lets them, and Postgres' makes a cluster unless told otherwise.
policy=/usr/sbin/policy-rc.d
no_cluster=/etc/postgresql-common/createcluster.d/usher-install.conf
made_policy=
clean_up() {
	rm -f "$no_cluster"
	rmdir "${no_cluster%/*}" 2>/dev/null || true
	[ -z "$made_policy" ] || rm -f "$policy"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
	made_policy=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi
mkdir -p "${no_cluster%/*}"
echo 'create_main_cluster = false' >"$no_cluster"

apt_install() {
	# shellcheck disable=SC2086 # one word a package
	DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $packages </dev/null
}
echo "Installing$packages"
# A fresh machine has no package lists, and old ones name files that are gone.
apt_install >/dev/null 2>&1 || { apt-get -qq update || true; apt_install; }

# The packages enable their services for the next boot.
disable() {
	if command -v systemctl >/dev/null; then
		systemctl disable "$1"
	elif command -v update-rc.d >/dev/null; then
		update-rc.d "$1" disable
	fi >/dev/null 2>&1 || true
}
case $missing in *postgres*) disable postgresql ;; esac
case $missing in *redis*) disable redis-server ;; esac

for name in $missing; do
	is_there "$name" || { echo "install.sh: $name is still not found after the installation" >&2; exit 1; }
done
