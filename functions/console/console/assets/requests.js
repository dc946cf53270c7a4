// API requests for one part of the page. Only the response of the latest request is used.
class Requests {
  constructor(place) {
    this.place = place;
    this.latest = 0;
    this.isWaiting = false;
  }

  async ask(request, use) {
    const number = ++this.latest;
    this.isWaiting = true;
    try {
      const answer = await request();
      if (number !== this.latest) return;
      show(this.place, null);
      await use(answer);
    } catch (problem) {
      if (number !== this.latest) return;
      if (problem.isAboutKey) signOut(problem.message);
      else show(this.place, problem.message);
    } finally {
      if (number === this.latest) this.isWaiting = false;
    }
  }

  drop() {
    this.latest += 1;
    this.isWaiting = false;
  }
}
