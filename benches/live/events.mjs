// Prints what a lecture's event socket says, a JSON object a line: node events.mjs ws://…/events TOKEN
const [url, token] = process.argv.slice(2);
const socket = new WebSocket(url, ["lectern.v1", `token.${token}`]);
socket.onmessage = ({ data }) => console.log(data);
socket.onclose = () => process.exit(0);
socket.onerror = () => process.exit(1);
