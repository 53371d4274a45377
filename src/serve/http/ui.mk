# The dashboard's files: built from ui/ by npm, taken into the program by src/serve/http/page.c. Runs only
# when something under ui/ has changed.
UI_SRC := $(wildcard ui/src/*) ui/build.mjs ui/embed.mjs ui/tsconfig.json
UI_OUT := build/gen/ui_files.inc
GEN += $(UI_OUT)

ui/node_modules/.installed: ui/package.json ui/package-lock.json
	@command -v npm >/dev/null || { echo "build: the dashboard is built with npm, which is not there (Debian: apt-get install nodejs npm)" >&2; exit 1; }
	@cd ui && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >.npm.log 2>&1 || { cat .npm.log >&2; rm -f .npm.log; echo "build: npm could not install the dashboard's libraries" >&2; exit 1; }
	@rm -f ui/.npm.log; touch $@

$(UI_OUT): $(UI_SRC) ui/node_modules/.installed
	@mkdir -p build/gen; cd ui && node build.mjs && node embed.mjs ../build/gen.new
	@sed -i 's|\.\./build/gen\.new|build/gen|' build/gen.new/ui_files.inc
	@rm -rf build/gen/ui; mv build/gen.new/ui build/gen/ui; mv build/gen.new/ui_files.inc $@; rmdir build/gen.new
