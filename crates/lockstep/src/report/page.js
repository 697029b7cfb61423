"use strict";
// The readout: a line under the pointer in every chart at the same time, the values in a box in
// the chart pointed at and beside the names in all. Without scripts the charts are complete.
(() => {
  const group = (value, decimals) => Math.abs(value).toLocaleString("en-US", {
    minimumFractionDigits: decimals, maximumFractionDigits: decimals,
  });

  const told = (chart, value) => {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    const number = size >= 1e10 ? group(value / 1e9, 2) + "B"
      : size >= 1e7 ? group(value / 1e6, 2) + "M"
      : group(value, chart.decimals);
    const sign = value < 0 && /[1-9]/.test(number) ? "−" : "";
    return sign + chart.prefix + number + chart.suffix;
  };

  const clock = (chart, time) => {
    const iso = new Date(time).toISOString();
    const day = chart.end - chart.start > 86400000 ? iso.slice(0, 10) + " " : "";
    return day + iso.slice(11, chart.end - chart.start < 10000 ? 23 : 19) + " UTC";
  };

  // The last point at or before a time; for a straight line the nearest one.
  const pointAt = ([shape, times, values], time, bar) => {
    let low = 0;
    let high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle + 1; else high = middle;
    }
    let at = low - 1;
    if (shape === 0) {
      if (at < 0 || (low < times.length && times[low] - time < time - times[at])) at = low;
      if (at >= times.length) return null;
      // Beyond the ends of a line there is nothing to tell.
      if (time < times[0] && times[0] - time > bar || at < 0) return null;
    }
    if (at < 0 || (shape === 2 && time - times[at] >= bar)) return null;
    return { time: times[at], value: values[at] };
  };

  const element = (name, parent, text) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  };

  const charts = [...document.querySelectorAll(".chart")].map((figure) => {
    const numbers = figure.dataset;
    const plot = figure.querySelector(".plot");
    const lines = JSON.parse(figure.querySelector("script").textContent);
    const classes = [...figure.querySelectorAll(".legend .key")].map((key) => key.classList[1]);
    const chart = {
      plot, lines, classes,
      names: [...figure.querySelectorAll(".legend .key span")].map((name) => name.textContent),
      start: +numbers.start, end: +numbers.end, low: +numbers.low, high: +numbers.high,
      log: numbers.log === "1", prefix: numbers.prefix, suffix: numbers.suffix,
      decimals: +numbers.decimals, bar: +numbers.bar,
      told: lines.map((_, at) => [...figure.querySelectorAll(`b[data-line="${at}"]`)]),
    };
    chart.lasts = chart.told.map((cells) => (cells.length ? cells[0].textContent : ""));
    chart.cross = element("div", plot);
    chart.cross.className = "cross";
    chart.dots = lines.map(([shape], at) => {
      const dot = element("i", chart.cross);
      dot.className = classes[at];
      dot.hidden = shape === 2;
      return dot;
    });
    chart.tip = element("div", plot);
    chart.tip.className = "tip";
    return chart;
  });

  const down = (chart, value) => {
    const part = chart.log
      ? Math.log(value / chart.low) / Math.log(chart.high / chart.low)
      : (value - chart.low) / (chart.high - chart.low);
    return (1 - part) * 100;
  };

  const show = (chart, time, pointed) => {
    const inside = time >= chart.start && time <= chart.end;
    chart.cross.style.display = inside ? "block" : "none";
    chart.tip.style.display = inside && pointed ? "block" : "none";
    if (!inside) return rest(chart);
    const across = (time - chart.start) / (chart.end - chart.start);
    chart.cross.style.left = across * 100 + "%";
    chart.tip.replaceChildren();
    element("time", chart.tip, clock(chart, time));
    chart.lines.forEach((line, at) => {
      const point = pointAt(line, time - chart.start, chart.bar);
      const text = told(chart, point && point.value);
      chart.told[at].forEach((cell) => { cell.textContent = text; });
      const drawn = point !== null && point.value !== null && !(chart.log && point.value <= 0);
      chart.dots[at].style.visibility = drawn ? "visible" : "hidden";
      if (drawn) chart.dots[at].style.top = down(chart, point.value) + "%";
      const row = element("div", chart.tip);
      const name = element("span", row);
      element("i", name).className = chart.classes[at];
      name.append(chart.names[at]);
      element("b", row, text);
    });
    const left = across > 0.5;
    chart.tip.style.left = left ? "auto" : `calc(${across * 100}% + 12px)`;
    chart.tip.style.right = left ? `calc(${(1 - across) * 100}% + 12px)` : "auto";
  };

  const rest = (chart) => {
    chart.cross.style.display = chart.tip.style.display = "none";
    chart.told.forEach((cells, at) => cells.forEach((cell) => {
      cell.textContent = chart.lasts[at];
    }));
  };

  const showAll = (time, pointed) =>
    charts.forEach((chart) => show(chart, time, chart === pointed));
  const restAll = () => charts.forEach(rest);

  for (const chart of charts) {
    let time = chart.end;
    const point = (event) => {
      const box = chart.plot.getBoundingClientRect();
      const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      time = Math.round(chart.start + part * (chart.end - chart.start));
      showAll(time, chart);
    };
    chart.plot.addEventListener("pointermove", point);
    chart.plot.addEventListener("pointerdown", point);
    chart.plot.addEventListener("pointerleave", restAll);
    chart.plot.addEventListener("blur", restAll);
    chart.plot.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      if (event.key === "Escape") return restAll();
      if (steps === undefined) return;
      event.preventDefault();
      const step = Math.max(1, (chart.end - chart.start) / 200);
      time = Math.min(chart.end, Math.max(chart.start, Math.round(time + steps * step)));
      showAll(time, chart);
    });
  }
})();
