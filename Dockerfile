# One image for the whole system. It runs the API by default and a worker on request:
#
#   docker build -t jobsapi .
#   docker run jobsapi                                    # jobsapi api
#   docker run jobsapi jobsapi worker /app/analysis.py    # jobsapi worker
#
# Functions that import more than jobsapi and matplotlib name it at build time,
# `--build-arg PACKAGES="pandas scipy"`, or build on this image: `FROM jobsapi`.

FROM python:3.12-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt /src/
RUN pip install --prefix=/install -r /src/requirements.txt
ARG PACKAGES=""
RUN if [ -n "$PACKAGES" ]; then PYTHONPATH=/install/lib/python3.12/site-packages pip install --prefix=/install $PACKAGES; fi

# The project itself has a stage and a layer of its own: a change of the source leaves the large layer alone.
FROM python:3.12-slim AS project
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --prefix=/install --no-deps .

FROM python:3.12-slim
COPY --from=packages /install /usr/local
COPY --from=project /install /usr/local
# `pip check` holds requirements.txt and pyproject.toml together. The imports leave bytecode of the standard library,
# which the base image lacks and the user below may not write: without it every child of a worker starts slower.
RUN pip check --disable-pip-version-check \
 && python -c "import jobsapi.api, jobsapi.cli, jobsapi.worker, matplotlib.figure" \
 && useradd --uid 10001 --home-dir /work --shell /usr/sbin/nologin jobsapi \
 && install -d -o jobsapi -g jobsapi /work /results
# What users' functions write without a path goes to /work; matplotlib keeps its list of fonts in /tmp.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /work
USER 10001:10001
EXPOSE 5000
CMD ["jobsapi", "api"]
