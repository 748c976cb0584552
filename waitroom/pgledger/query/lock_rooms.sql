-- Changes of rooms come one after the other until the transaction ends; who reads rooms does not wait.
LOCK TABLE rooms IN SHARE ROW EXCLUSIVE MODE
