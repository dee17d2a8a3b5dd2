'use strict';
// Loaded into Azurite (node --require). It writes everything it knows of blobs and tables to disk every five seconds while something changes, and answers
// nobody meanwhile: with a hundred thousand rows that is most of what it does. Here a save waits twenty times as
// long as the last one took, a minute at most.
const Loki = require('lokijs');

const [share, most] = [20, 60_000];

Loki.prototype.autosaveEnable = function (_options, saved) {
  const least = this.autosaveInterval ?? 5000;
  const again = milliseconds => { this.autosaveHandle = setTimeout(save, Math.min(Math.max(least, milliseconds), most)); };
  const save = () => {
    if (!this.autosaveDirty() || this.ignoreAutosave) return again(least);
    const began = performance.now();
    this.saveDatabase(failure => {
      saved?.(failure);
      // Nobody has closed it meanwhile.
      if (this.autosaveHandle) again(share * (performance.now() - began));
    });
  };
  this.autosave = true;
  again(least);
};

// A client that has sent all it wanted may keep its connections for a quarter of a minute, and Azurite would wait for it before it ends.
const { Server } = require('node:http');
const close = Server.prototype.close;

Server.prototype.close = function (done) {
  setTimeout(() => this.closeAllConnections(), 500).unref();
  return close.call(this, done);
};
