import json

# DO: Use JSON for structured parameters
payload = json.dumps({
    "action": "calculate",
    "params": {"a": 5, "b": 3},
    "options": {"precision": 2}
})

# DON'T: Use unstructured strings
# payload = "5,3,2"  # Hard to parse reliably
