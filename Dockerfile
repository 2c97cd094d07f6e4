# One image for web, worker, scheduler and the one-time preparation; docker-compose.yml says which runs what.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FARMLAND_VAR=/var/lib/farmland

RUN useradd --uid 10001 --create-home farmland \
    && install -d -o farmland -g farmland -m 0750 /var/lib/farmland
WORKDIR /srv/farmland
COPY requirements.txt .
RUN pip install --no-cache-dir --only-binary :all: -r requirements.txt
COPY . .
RUN python -m compileall -q farmland parcels tasks subsidies

USER farmland
VOLUME /var/lib/farmland
EXPOSE 8000
CMD ["gunicorn", "farmland.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", \
     "--threads", "4", "--timeout", "60", "--max-requests", "2000", "--max-requests-jitter", "200", \
     "--limit-request-line", "4094", "--no-control-socket"]
