# Small, no root, no shell. docker build -t tsuitate . && docker run -p 8080:8080 -v tsuitate:/data tsuitate
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
ENV TSUITATE_DATA_DIR=/data
VOLUME /data
EXPOSE 8080
USER nonroot
ENTRYPOINT ["/usr/bin/tsuitate"]
CMD ["run"]
