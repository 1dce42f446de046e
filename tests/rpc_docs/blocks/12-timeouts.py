# Short timeout for quick operations
result = await local.perform_rpc(
    destination_identity=dest,
    method="ping",
    payload="{}",
    response_timeout=2.0  # 2 seconds
)

# Longer timeout for heavy operations
result = await local.perform_rpc(
    destination_identity=dest,
    method="process_video",
    payload=json.dumps({"video_id": "123"}),
    response_timeout=30.0  # 30 seconds
)
