# Small, no root, no shell. docker build -t tsuitate . && docker run -p 8080:8080 -v "$PWD/data:/data" tsuitate
# data/config.toml is yours: in a container the gate must listen on 0.0.0.0, and off loopback [contact] and [[service]] are
# required (README.md, "In a container"). The folder belongs to user 65532.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin tsuitate && cp target/release/tsuitate /tsuitate \
    && mkdir -p /empty/data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /tsuitate /usr/bin/tsuitate
COPY --from=build --chown=nonroot:nonroot /empty/data /data
COPY LICENSE NOTICE /usr/share/doc/tsuitate/
ENV TSUITATE_DATA_DIR=/data TSUITATE_CONFIG=/data/config.toml
VOLUME /data
EXPOSE 8080
USER nonroot
ENTRYPOINT ["/usr/bin/tsuitate"]
CMD ["run"]
